"""Quantization-aware training: the forward pass of an int8 program, with Brevitas' gradients."""
