package train

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// clock tells how long training has gone on. It stands still while the process is
// stopped, by SIGSTOP or Ctrl-Z, and, as Go's monotonic clock does on Linux, while
// the machine sleeps.
//
// A stop leaves two traces: a gap between two readings of the clock, which a goroutine
// reads at every beat, and a SIGCONT. Neither alone proves a stop: a busy machine
// leaves gaps, too, and a process that was not stopped can get a SIGCONT. So the clock
// sets a long gap aside. If a SIGCONT follows, the gap is dropped; otherwise it counts
// after all, a little late.
type clock struct {
	mu      sync.Mutex
	last    time.Time     // of the last reading
	passed  time.Duration // without what is set aside
	aside   time.Duration
	watched bool
}

const (
	beat     = 100 * time.Millisecond
	longest  = time.Second // gap that counts at once: shorter stops are training time
	patience = time.Second // for the SIGCONT after a gap
)

func newClock() *clock { return &clock{last: time.Now()} }

// now is the time since the clock was made. It never runs back.
func (c *clock) now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if gap := now.Sub(c.last); gap > longest && c.watched {
		c.aside += gap
	} else {
		c.passed += gap
	}
	c.last = now
	return c.passed
}

// lap adds the time since start to seconds and restarts.
func (c *clock) lap(start *time.Duration, seconds *float64) {
	now := c.now()
	*seconds += (now - *start).Seconds()
	*start = now
}

// settle drops the gap that is set aside if the process was stopped, and counts it
// otherwise.
func (c *clock) settle(stopped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !stopped {
		c.passed += c.aside
	}
	c.aside = 0
}

func (c *clock) doubtful() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.aside > 0
}

// watch looks for stops from now on until the function returned is called.
func (c *clock) watch() (end func()) {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	ended := make(chan struct{})
	c.mu.Lock()
	c.watched = true
	c.mu.Unlock()
	go c.beat(continued, ended)
	return func() {
		signal.Stop(continued)
		close(ended)
	}
}

func (c *clock) beat(continued <-chan os.Signal, ended <-chan struct{}) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		stopped := false
		select {
		case <-ended:
			return
		case <-continued:
			stopped = true
		case <-tick.C:
		}
		if c.now(); c.doubtful() && !stopped {
			select {
			case <-ended:
				return
			case <-continued:
				stopped = true
			case <-time.After(patience):
			}
		}
		c.settle(stopped)
	}
}
