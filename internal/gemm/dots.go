package gemm

import "fmt"

// MaxDots is the most columns that [Kernels.AddDots] takes in a group.
const MaxDots = 5

// A Group is a number of neighbouring rows of B, and of columns of C that their
// inner products go to: the elements where the first of each begins.
type Group struct{ B, C int }

// dotsFunc does what AddDots does, for a whole number of vectors and at least one
// row and group, the first of which begins at groups.
type dotsFunc = func(c []float32, strideC, colC int, a []float32, strideA int, b []float32, strideB int, groups *int, count, m, k int)

// AddDots adds to columns of C the inner products of A's m rows of k elements with
// groups of n rows of B, 1 to [MaxDots]: for each group g, row i and t < n
//
//	c[g.C + i·ldc + t·colC] += Σ_{l<k} a[i·lda + l]·b[g.B + t·ldb + l]
//
// It is A·Bᵀ for a B of a few columns at a time, which [Kernels.Mul] would first
// transpose and fill up to whole vectors, and whose rows may overlap. It panics
// when a slice is too short.
//
// Sums are formed in as many parts as a vector has lanes, and so differ in their
// rounding from one instruction set to another.
func (s *Kernels) AddDots(groups []Group, n, m, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc, colC int) {
	if m <= 0 || k <= 0 || len(groups) == 0 {
		return
	}
	checkDots(groups, n, m, k, len(a), lda, len(b), ldb, len(c), ldc, colC)
	done := 0
	if dots := s.dots[n-1]; dots != nil && k >= s.lane {
		done = k / s.lane * s.lane
		space := workspaces.Get().(*workspace)
		space.groups = append(space.groups[:0], groups...)
		dots(c, ldc, colC, a, lda, b, ldb, &space.groups[0].B, len(groups), m, done)
		workspaces.Put(space)
	}
	if done == k {
		return
	}
	for _, g := range groups {
		for i := range m {
			row := a[i*lda:][:k]
			for t := range n {
				c[g.C+i*ldc+t*colC] += dot(row[done:], b[g.B+t*ldb:][done:k])
			}
		}
	}
}

// dot is the inner product of two rows, in four sums.
func dot(x, y []float32) float32 {
	var s [4]float32
	i := 0
	for ; i+4 <= len(x); i += 4 {
		x, y := (*[4]float32)(x[i:]), (*[4]float32)(y[i:])
		for v := range s {
			s[v] += x[v] * y[v]
		}
	}
	for ; i < len(x); i++ {
		s[0] += x[i] * y[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// checkDots panics unless all elements are there. There are rows and groups.
func checkDots(groups []Group, n, m, k, a, lda, b, ldb, c, ldc, colC int) {
	if n < 1 || n > MaxDots {
		panic(fmt.Sprintf("gemm: groups of %d columns, want 1 to %d", n, MaxDots))
	}
	if lda < k || !fits(m, k, a, lda) {
		panic(fmt.Sprintf("gemm: A is %d×%d with %d elements from row to row, and has %d", m, k, lda, a))
	}
	if ldb < 0 || ldc < 0 || colC < 0 {
		panic(fmt.Sprintf("gemm: strides of B and C are %d, %d and %d, want none below 0", ldb, ldc, colC))
	}
	for i, g := range groups {
		if g.B < 0 || g.C < 0 || !fits(n, k, b-g.B, ldb) || !fits(m, 1, c-g.C, ldc) || !fits(n, 1, c-g.C-(m-1)*ldc, colC) {
			panic(fmt.Sprintf("gemm: group %d begins at element %d of B's %d and %d of C's %d: too few for %d rows of %d and %d×%d columns",
				i, g.B, b, g.C, c, n, k, m, n))
		}
	}
}
