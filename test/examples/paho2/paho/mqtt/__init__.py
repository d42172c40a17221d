"""Stands before Debian's paho-mqtt 1.6 on the path and gives it the face of 2.x, which no registry here has.

Only client.py is ours; all other modules are Debian's.
"""

__path__.append("/usr/lib/python3/dist-packages/paho/mqtt")
