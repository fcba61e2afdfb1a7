"""Measurements as ratios against a rival way of doing the same thing in the same run."""
