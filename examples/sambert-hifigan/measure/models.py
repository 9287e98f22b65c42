"""The library's test program, which runs the two models of a voice on their own and obeys one order a line."""

import os
import subprocess
import sys
import time


class Models:
    def __init__(self, test, folder):
        self.process = subprocess.Popen(
            [test, "both_models_obey_orders", "--ignored", "--nocapture"],
            env={**os.environ, "VOICE": str(folder)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.wait()

    def wait(self):
        for line in self.process.stdout:
            if line == "ready\n":
                return
        sys.exit("the test program ended")

    def order(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self.wait()

    def processor_time(self):
        return time.clock_gettime(~self.process.pid << 3 | 2)  # The clock of another process: clock_getcpuclockid(3).

    def end(self):
        self.process.communicate()
