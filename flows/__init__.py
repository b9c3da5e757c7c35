"""How a night's batch is run: shards, publishing, and the Prefect flow around them."""
