"""The lab's mathematics as graphs in ONNX, which a visitor's own browser computes."""
