/** Keeps `inFlight` of `total` sends open; resolves when all have succeeded, rejects at the first that does not. */
export function keepInFlight(total: number, inFlight: number, send: (index: number) => Promise<unknown>, onSent: (index: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let started = 0
    let sent = 0
    const next = (): void => {
      if (started === total) return
      const index = started++
      void send(index).then(() => onDone(index), reject)
    }
    const onDone = (index: number): void => {
      onSent(index)
      if (++sent === total) resolve()
      else next()
    }
    for (let open = 0; open < Math.min(inFlight, total); open++) next()
  })
}
