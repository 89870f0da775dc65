export { createTeller } from './tell-settled.ts'
export { tellBlocked, tellIgnored, tellInvalidWait, tellWaiting } from './tell-outcomes.ts'
