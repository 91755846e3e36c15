package winograd

// Outputs is the number of outputs of a tile along each axis.
const Outputs = 4

// Algorithm is F(4, r) along one axis: y = Aᵀ·[(G·g)∘(Bᵀ·d)] is the correlation
// y[i] = Σ_k g[k]·d[i+k] of r weights and n = 4 + r − 1 inputs, 4 outputs.
//
// It is Lagrange's interpolation, transposed. The product of two polynomials of
// degrees 3 and r − 1 has degree n − 1, and n of its values determine it: those at
// n − 1 points p and the leading coefficient, the value at ∞. Row p of A and of G
// evaluates polynomials, [1 p p² p³] and [1 p … pʳ⁻¹]; column p of B has the
// coefficients of
//
//	L_p(x) = Π_{q≠p} (x − q),   and L_∞(x) = Π_q (x − q),
//
// and row p of G is divided by L_p(p), which spares B fractions. (For p = 0 that is
// ±1, and divides B instead.) The correlation is the transpose of the product.
//
// Points in pairs ±a share the even and the odd part of each transform. Of the
// points tried, these err least: of some 900 sets for 5×5; for 3×3 half as much as
// 0, ±1, ±2.
type Algorithm struct {
	R, N   int // weights, and points, along the axis
	points []float64
	at     [][]float64     // 4×n
	bt     [][]float64     // n×n
	g      [][maxR]float64 // n×r, and zeros
}

// of returns the algorithm for kernels of r×r, or nil.
func of(r int) *Algorithm {
	switch r {
	case 3:
		return f43
	case 5:
		return f45
	}
	return nil
}

// f45 has the points 0, 1, −1, 2, −2, ½, −½ and ∞.
var f45 = &Algorithm{
	R: 5, N: 8,
	points: []float64{0, 1, -1, 2, -2, 1. / 2, -1. / 2},
	at: [][]float64{
		{1, 1, 1, 1, 1, 1, 1, 0},
		{0, 1, -1, 2, -2, 1. / 2, -1. / 2, 0},
		{0, 1, 1, 4, 4, 1. / 4, 1. / 4, 0},
		{0, 1, -1, 8, -8, 1. / 8, -1. / 8, 1},
	},
	bt: [][]float64{
		{1, 0, -21. / 4, 0, 21. / 4, 0, -1, 0},
		{0, 1, 1, -17. / 4, -17. / 4, 1, 1, 0},
		{0, -1, 1, 17. / 4, -17. / 4, -1, 1, 0},
		{0, 1. / 2, 1. / 4, -5. / 2, -5. / 4, 2, 1, 0},
		{0, -1. / 2, 1. / 4, 5. / 2, -5. / 4, -2, 1, 0},
		{0, 2, 4, -5. / 2, -5, 1. / 2, 1, 0},
		{0, -2, 4, 5. / 2, -5, -1. / 2, 1, 0},
		{0, -1, 0, 21. / 4, 0, -21. / 4, 0, 1},
	},
	g: [][maxR]float64{
		{1, 0, 0, 0, 0},
		{-2. / 9, -2. / 9, -2. / 9, -2. / 9, -2. / 9},
		{-2. / 9, 2. / 9, -2. / 9, 2. / 9, -2. / 9},
		{1. / 90, 1. / 45, 2. / 45, 4. / 45, 8. / 45},
		{1. / 90, -1. / 45, 2. / 45, -4. / 45, 8. / 45},
		{32. / 45, 16. / 45, 8. / 45, 4. / 45, 2. / 45},
		{32. / 45, -16. / 45, 8. / 45, -4. / 45, 2. / 45},
		{0, 0, 0, 0, 1},
	},
}

// f43 has the points 0, ⅔, −⅔, 3/2, −3/2 and ∞.
var f43 = &Algorithm{
	R: 3, N: 6,
	points: []float64{0, 2. / 3, -2. / 3, 3. / 2, -3. / 2},
	at: [][]float64{
		{1, 1, 1, 1, 1, 0},
		{0, 2. / 3, -2. / 3, 3. / 2, -3. / 2, 0},
		{0, 4. / 9, 4. / 9, 9. / 4, 9. / 4, 0},
		{0, 8. / 27, -8. / 27, 27. / 8, -27. / 8, 1},
	},
	bt: [][]float64{
		{1, 0, -97. / 36, 0, 1, 0},
		{0, -3. / 2, -9. / 4, 2. / 3, 1, 0},
		{0, 3. / 2, -9. / 4, -2. / 3, 1, 0},
		{0, -2. / 3, -4. / 9, 3. / 2, 1, 0},
		{0, 2. / 3, -4. / 9, -3. / 2, 1, 0},
		{0, 1, 0, -97. / 36, 0, 1},
	},
	g: [][maxR]float64{
		{1, 0, 0},
		{-81. / 130, -27. / 65, -18. / 65},
		{-81. / 130, 27. / 65, -18. / 65},
		{8. / 65, 12. / 65, 18. / 65},
		{8. / 65, -12. / 65, 18. / 65},
		{0, 0, 1},
	},
}
