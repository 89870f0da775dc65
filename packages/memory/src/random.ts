/**
 * A seeded source of numbers uniform in [0, 1) with 32 bits each: sfc32 ("small fast counter", Chris Doty-Humphrey), its state filled from the
 * seed by splitmix32. Equal seeds give equal sequences on every platform. Not for secrets.
 */
export function seededRandom(seed: number): () => number {
  let filler = seed | 0
  const fill = (): number => {
    filler = (filler + 0x9e3779b9) | 0
    let mixed = filler ^ (filler >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return mixed ^ (mixed >>> 15)
  }
  let a = fill()
  let b = fill()
  let c = fill()
  let counter = 1
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 0x1_0000_0000
  }
  // The first outputs still resemble the seed.
  for (let round = 0; round < 12; round++) next()
  return next
}
