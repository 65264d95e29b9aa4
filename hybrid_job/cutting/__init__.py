"""The circuits of the parts of a cut one, before they are compiled for a device."""
