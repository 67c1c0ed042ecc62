"""What photos held out of training teach about a model's maps: gates, thresholds, probabilities, errors."""
