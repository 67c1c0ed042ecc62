"""What photos held out of training teach about a model's maps: gates, thresholds, probabilities, errors."""

from trainer.calibration.fit import Fitted, FittedFamily, fit_families, fitted_fields, fitted_metrics

__all__ = ["Fitted", "FittedFamily", "fit_families", "fitted_fields", "fitted_metrics"]
