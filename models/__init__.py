"""What is learned or loaded: speech recognition, voice activity detection, stages."""
