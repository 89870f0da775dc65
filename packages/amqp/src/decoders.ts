/** What reads messages from outside, for `npm run fuzz`. Not published: it promises nothing to users. */
export { copiedOptions, copyOptions, deliveredMessage } from './copy-options.ts'
export { toBrokerError } from './errors.ts'
export { deliveryCount, incomingOf } from './message-mapping.ts'
export { FrameReader } from './frames/frame-reader.ts'
export { PublishFrames } from './frames/publish-frames.ts'
export type { Frame, PublishFields, Wire } from './frames/wire.ts'
