#!/bin/sh
# Prints the Python that .venv is made from: of those on the PATH that can be used, the first,
# unless a later one is faster by more than a tenth. One that was built without its profile, as
# version managers often do, takes a third more time for the same code, and no Python says reliably
# how it was built: so each runs a loop of some milliseconds, and the best of five counts.
measure='
import sys, time
assert sys.version_info >= (3, 11)
import ensurepip, venv

class Point:
    def __init__(self, x, y): self.x, self.y = x, y
    def sum(self): return self.x + self.y

def run():
    since, seen = time.perf_counter_ns(), {}
    for number in range(20_000):
        point = Point(number, number + 1)
        seen[number & 255] = [value for value in (point.x, point.sum())]
    return time.perf_counter_ns() - since

print(min(run() for _ in range(5)) // 1000)
'
best="" best_us=0
IFS=:
for folder in $PATH; do
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        python="${folder:-.}/$name"
        [ -x "$python" ] && us=$("$python" -c "$measure" 2>/dev/null) || continue
        if [ -z "$best" ] || [ $((us * 10)) -lt $((best_us * 9)) ]; then
            best=$python best_us=$us
        fi
    done
done
echo "$best"
