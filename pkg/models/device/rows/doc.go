// Package rows has package agg's rules run on a device, where the clients' gradients
// are: [Space] is an [agg.Space] of rows there. All but this comment is behind the build
// tag gpu.
package rows
