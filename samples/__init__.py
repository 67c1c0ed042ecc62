"""The sample inspection: three rendered walls of four photos, their true masks, and a comparison."""
