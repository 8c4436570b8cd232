"""Training pictures: folders and streams of ImageNet-1K, as crops in batches."""
