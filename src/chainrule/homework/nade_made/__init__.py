"""Problem 5: NADE and MADE on binarized MNIST."""
