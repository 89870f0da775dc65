/** Whether every version and emulator is examined that there is, as in `npm run test:full`, and not every driver once, as in `npm test`. */
export const everyBed: boolean = process.env['BUSBAR_EVERY_VERSION'] === '1'
