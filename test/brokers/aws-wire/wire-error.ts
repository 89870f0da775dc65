/** An error as the service answers it. */
export class WireError extends Error {
  /** What SDKs of today call it, such as `QueueDoesNotExist`. */
  override readonly name: string
  /** What the Query protocol calls it; travels beside the name. */
  readonly legacyCode: string
  readonly status: number
  /** Whose fault it is: one of the receiver's may be tried again. */
  readonly fault: 'Sender' | 'Receiver'

  constructor(name: string, message: string, legacyCode: string = name, status: number = 400, fault: 'Sender' | 'Receiver' = 'Sender') {
    super(message)
    this.name = name
    this.legacyCode = legacyCode
    this.status = status
    this.fault = fault
  }
}
