"""The trained model that finds the sentences that answer: its weights, data and training."""
