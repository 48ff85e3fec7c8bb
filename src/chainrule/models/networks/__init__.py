"""The torch modules under the neural estimators, and the masks of MADE."""
