// Written by .ci/generate_protocol.py from the server's code: change that, and write this file anew.

export const PROTOCOL = "idproof.capture.v1";

/** Stages whose frames are sent, with the number that a frame's header has. */
export const ROLES = {
  "card_front": 1,
  "card_tilt_left": 2,
  "card_tilt_right": 3,
  "selfie": 4,
  "liveness": 5
};

/** All stages of a session, as messages name them. */
export const STAGES = [
  "card_front",
  "card_tilt_left",
  "card_tilt_right",
  "selfie",
  "liveness",
  "finish",
  "verifying"
];

/** States of a session. */
export const STATES = [
  "card",
  "selfie",
  "liveness",
  "answering",
  "finish",
  "queued",
  "verifying",
  "storing",
  "ended"
];

/** States in which frames and messages of the device may change the session. */
export const CAPTURING = [
  "answering",
  "card",
  "finish",
  "liveness",
  "selfie"
];

/** Causes of transitions. */
export const EVENTS = [
  "stage complete",
  "retake",
  "challenge asked",
  "answer complete",
  "answer void",
  "pictures expired",
  "time extended",
  "finish requested",
  "verification begun",
  "verification postponed",
  "verification failed",
  "decided",
  "verdict",
  "stop",
  "end"
];

/** States that may follow, by state and event. */
export const TRANSITIONS = {
  "card": {
    "stage complete": [
      "card",
      "selfie"
    ],
    "retake": [
      "card"
    ],
    "pictures expired": [
      "card"
    ],
    "time extended": [
      "card"
    ],
    "stop": [
      "ended"
    ],
    "end": [
      "ended"
    ]
  },
  "selfie": {
    "stage complete": [
      "liveness"
    ],
    "retake": [
      "card"
    ],
    "pictures expired": [
      "card",
      "selfie"
    ],
    "time extended": [
      "selfie"
    ],
    "stop": [
      "ended"
    ],
    "end": [
      "ended"
    ]
  },
  "liveness": {
    "challenge asked": [
      "answering"
    ],
    "retake": [
      "card",
      "selfie"
    ],
    "pictures expired": [
      "card",
      "selfie"
    ],
    "time extended": [
      "liveness"
    ],
    "stop": [
      "ended"
    ],
    "end": [
      "ended"
    ]
  },
  "answering": {
    "challenge asked": [
      "answering"
    ],
    "answer complete": [
      "finish"
    ],
    "answer void": [
      "liveness"
    ],
    "retake": [
      "card",
      "selfie"
    ],
    "pictures expired": [
      "card",
      "selfie"
    ],
    "time extended": [
      "answering"
    ],
    "stop": [
      "ended"
    ],
    "end": [
      "ended"
    ]
  },
  "finish": {
    "finish requested": [
      "queued"
    ],
    "retake": [
      "card",
      "selfie"
    ],
    "pictures expired": [
      "card",
      "selfie"
    ],
    "time extended": [
      "finish"
    ],
    "stop": [
      "ended"
    ],
    "end": [
      "ended"
    ]
  },
  "queued": {
    "verification begun": [
      "verifying"
    ],
    "verification postponed": [
      "finish"
    ],
    "verification failed": [
      "card",
      "selfie"
    ],
    "stop": [
      "ended"
    ],
    "end": [
      "ended"
    ]
  },
  "verifying": {
    "decided": [
      "storing"
    ],
    "verification failed": [
      "card",
      "selfie"
    ],
    "stop": [
      "ended"
    ],
    "end": [
      "ended"
    ]
  },
  "storing": {
    "verdict": [
      "ended"
    ],
    "verification failed": [
      "card",
      "selfie"
    ],
    "end": [
      "ended"
    ]
  },
  "ended": {}
};

/** Hints of guidance. */
export const HINTS = [
  "show_card",
  "card_inside",
  "move_closer",
  "move_back",
  "hold_still",
  "glare_here",
  "more_light",
  "less_light",
  "tilt_left_more",
  "tilt_left_less",
  "tilt_right_more",
  "tilt_right_less",
  "left_nearer",
  "right_nearer",
  "top_nearer",
  "bottom_nearer",
  "clean_lens",
  "fingers_off",
  "turn_upright",
  "turn_sideways",
  "other_side",
  "one_card",
  "turn_again",
  "hold_for_colours",
  "show_face",
  "one_person",
  "centre_face",
  "even_light",
  "look_straight",
  "turn_left",
  "turn_right",
  "look_up",
  "look_down",
  "come_closer",
  "blink",
  "open_mouth",
  "watch_colours",
  "good"
];

/** Close codes by the code of the error that ends the connection. */
export const CLOSES = {
  "subprotocol_missing": 4400,
  "stream_slow": 4408,
  "device_unauthenticated": 4401,
  "device_revoked": 4403,
  "device_connected": 4409,
  "message_invalid": 4400,
  "frame_malformed": 4400,
  "frame_too_large": 4413,
  "frame_unexpected": 4400,
  "frame_foreign": 4400,
  "frame_replayed": 4400,
  "frame_out_of_order": 4400,
  "frame_forged": 4400,
  "internal": 4500
};

/** Codes of errors after which the connection goes on. */
export const STAYS = [
  "attestation_invalid",
  "audit_broken",
  "busy",
  "ceremony_lapsed",
  "challenge_lapsed",
  "challenge_missing",
  "challenges_used",
  "consent_missing",
  "credential_unavailable",
  "credentials_off",
  "device_locked",
  "face_template_core_unavailable",
  "face_template_key_missing",
  "face_template_refused",
  "face_template_unavailable",
  "frame_unreadable",
  "guardian_consent_missing",
  "guardian_refused",
  "guardians_off",
  "message_unexpected",
  "origin_unknown",
  "passkey_refused",
  "passkey_verdict_unsuitable",
  "passkeys_enough",
  "passkeys_off",
  "permit_exceeded",
  "permit_invalid",
  "portrait_unavailable",
  "rate_limited",
  "records_unavailable",
  "registration_closed",
  "registration_missing",
  "registration_unknown",
  "request_in_progress",
  "session_expired",
  "session_lapsed",
  "session_unknown",
  "session_used",
  "stage_incomplete",
  "step_up_lapsed",
  "step_ups_refused",
  "store_unavailable",
  "too_many_at_once",
  "too_many_ceremonies",
  "too_many_sessions"
];
