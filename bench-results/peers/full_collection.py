"""CPython: time per object of gc.collect() over n live slotted nodes with 2 random references each, and of the same dropped.

About a fifth of the nodes die by count when the root list is emptied; the dead figure is per object actually collected.
Usage: python full_collection.py n [n ...]    Prints ns an object: first, live (minimum and median of 5 after it), dead.
"""
import gc, sys, time
class N: __slots__=('a','b')
M=(1<<64)-1
def rng(seed):
    s=seed
    while True:
        s=(s+0x9E3779B97F4A7C15)&M
        z=((s^(s>>30))*0xBF58476D1CE4E5B9)&M
        z=((z^(z>>27))*0x94D049BB133111EB)&M
        yield (z^(z>>31))>>32
def one(n):
    r=rng(1).__next__
    nodes=[N() for _ in range(n)]
    for o in nodes:
        o.a=nodes[r()%n]; o.b=nodes[r()%n]
    o=None
    pc=time.perf_counter_ns; th=time.thread_time_ns
    ts=[]; cs=[]
    for _ in range(6):
        t=pc(); c=th(); gc.collect(); ts.append(pc()-t); cs.append(th()-c)
    l=sorted(ts[1:]); k=sorted(cs[1:])
    del nodes[:]
    t=pc(); c=th(); got=gc.collect(); d=pc()-t; dc=th()-c
    print(f"n={n} wall ns/object: first {ts[0]/n:.1f} live min {l[0]/n:.1f} median {l[2]/n:.1f} dead/collected {d/got:.1f} | thread-cpu: live min {k[0]/n:.1f} median {k[2]/n:.1f} dead/collected {dc/got:.1f} | collected {got}", flush=True)
if __name__=='__main__':
    gc.disable(); gc.collect(); gc.freeze()
    for a in sys.argv[1:]: one(int(a)); gc.collect()
