"""Live video: RTSP from the cameras in, HLS for browsers out, in between one ffmpeg a camera (docs/decisions/0011)."""
