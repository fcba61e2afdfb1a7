"""Weights that are somewhere on this machine already, and weights to carry to another one."""
