"""`biztoken load`: a target under a profile of load, every reply judged, every request accounted for.

`command` is what the command line calls. `user` and what only it imports run inside locust, which replaces Python's
sockets: the command imports none of them and starts locust as processes.
"""
