// All kernels, in one module.
#include "block.cu"
#include "conv.cu"
#include "dense.cu"
#include "loss.cu"
#include "norm.cu"
#include "pool.cu"
#include "rows.cu"
#include "step.cu"
