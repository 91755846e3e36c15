// All kernels, in one module.
#include "conv.cu"
#include "dense.cu"
#include "loss.cu"
#include "pool.cu"
