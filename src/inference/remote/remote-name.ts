/** The engine of a bundle whose model is at another server. */
export const REMOTE_ENGINE = "remote";
