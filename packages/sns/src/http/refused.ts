/** A request that is not from SNS, or not meant for this handler. */
export class Refused extends Error {
  readonly status: number

  constructor(status: number, problem: string) {
    super(problem)
    this.status = status
  }
}
