"""What is learned or loaded: recognisers, voice activity detection, stages."""
