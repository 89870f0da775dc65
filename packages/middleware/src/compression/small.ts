/** Up to so many bytes, compressing and decompressing take less time than to hand them to the thread pool and back: tens of microseconds against hundreds. */
export const smallBytes = 16_384
