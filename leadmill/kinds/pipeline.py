"""The main kind: companies through the whole pipeline, or through the stages of it that a caller names."""

from leadmill.kinds import Kind

KIND = Kind(name="pipeline")
