/** Compresses bodies above a size, and decompresses them within bounds. */
export { compression, type CompressionAlgorithm, type CompressionOptions } from './compression.ts'
export { decompression, type DecompressionOptions } from './decompression.ts'
