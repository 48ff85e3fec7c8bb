"""Problem 1: images by their ink, learned images, and why learning whole images cannot scale."""
