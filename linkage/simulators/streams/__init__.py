"""The simulated cameras' video: real RTSP streams (`server`) of drawn streets (`scene`), encoded while somebody watches
(`encoder`) and cut into RTP (`rtp`)."""
