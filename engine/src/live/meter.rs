//! What this process uses, measured: memory, CPU, bytes received, bytes on disk.
