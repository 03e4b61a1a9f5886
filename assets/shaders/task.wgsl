// Draws one task in its cell, from a creature to a square. Part of `field.wgsl`'s module.

/// Scale and offset of a task's drawing: birth, pop, shake, breath.
fn gesture(texel: vec4<u32>, sign: u32, age: f32) -> vec3<f32> {
    if sign == TRACE { return vec3(0.0, 0.0, 0.5); }
    if view.motion < 2u { return vec3(0.0, 0.0, 1.0); }
    let quick = age * view.speed;
    var move_by = vec2(0.0);
    var scale = 1.0;
    if ((texel.y >> 4u) & 15u) == EMPTY {
        scale *= mix(0.3, 1.0, smoothstep(0.0, 220.0, quick));
    }
    if sign == DONE {
        let up = smoothstep(0.0, 110.0, quick);
        let down = smoothstep(110.0, 250.0, quick);
        scale *= mix(mix(0.6, 1.16, up), 1.0, down);
        scale *= mix(1.0, 0.62, smoothstep(700.0, 1800.0, quick));
    } else if sign == BACKOFF {
        move_by.x = 0.09 * sin(quick * 0.06) * exp(-quick / 140.0);
    } else if sign == DEAD {
        move_by.y = -0.06 * smoothstep(0.0, 500.0, quick);
    } else if sign == FETCHING || sign == PARSING || sign == SAVING {
        scale *= 1.0 + 0.03 * sin((age + f32((texel.y >> 24u) & 255u) * 4.0) * 0.00628);
    }
    return vec3(move_by, scale);
}

/// The same where a task is a few pixels: birth and pop only, which many completions do not hurry.
fn swell(texel: vec4<u32>, sign: u32, age: f32) -> f32 {
    let quick = age * min(view.speed, 2.0);
    let is_new = ((texel.y >> 4u) & 15u) == EMPTY;
    let birth = select(1.0, mix(0.3, 1.0, ramp(0.0, 220.0, quick)), is_new);
    let pop = mix(mix(1.3, 1.0, ramp(110.0, 250.0, quick)), 0.7, ramp(700.0, 1800.0, quick));
    let moving = birth * select(1.0, pop, sign == DONE);
    // Where nothing may move, what has just ended is larger for a while.
    let still = select(1.0, select(0.8, 1.18, age < 1500.0), sign == DONE);
    return select(select(still, moving, view.motion == 2u), 0.55, sign == TRACE);
}

/// Milliseconds one frame of a sign's pose lasts; 0 holds still.
fn beat(sign: u32) -> u32 {
    switch sign {
        case FETCHING: { return 120u; }
        case PARSING: { return 260u; }
        case SAVING: { return 200u; }
        case DONE: { return 110u; }
        case QUEUED: { return 900u; }
        case BACKOFF: { return 700u; }
        case FAILED: { return 300u; }
        case DEAD: { return 240u; }
        case PARKED: { return 800u; }
        default: { return 0u; }
    }
}

fn frame_of(texel: vec4<u32>, sign: u32) -> u32 {
    let length = beat(sign);
    if length == 0u || view.motion < 2u || sign == TRACE { return 0u; }
    if sign == DONE { return min(u32(since(texel)) / length, 3u); }
    return ((view.now + ((texel.y >> 24u) & 255u) * 37u) / length) % 4u;
}

/// A sprite of the sheet at `uv`, mixed with the theme; premultiplied.
fn sprite(layer: u32, uv: vec2<f32>, pixels: f32, tint: vec3<f32>) -> vec4<f32> {
    let is_inside = all(uv >= vec2(0.0)) && all(uv <= vec2(1.0));
    // One level, not two mixed: half the work, and crisper.
    let level = floor(max(log2(128.0 / max(pixels, 1.0)), 0.0) + 0.4);
    let s = textureSampleLevel(sprites, soft, uv, layer, level);
    let mixed = s.r * tint + s.g * view.surfaces[INK].rgb + s.b * view.surfaces[LIGHT].rgb;
    return select(vec4(0.0), vec4(mixed, s.a), is_inside);
}

fn over(top: vec4<f32>, below: vec4<f32>) -> vec4<f32> {
    return top + below * (1.0 - top.a);
}

/// The ring round a task: progress towards its predicted finish, or the wait that is left.
fn ring(texel: vec4<u32>, sign: u32, uv: vec2<f32>, pixels: f32, width: f32) -> vec4<f32> {
    let in_flight = sign == FETCHING || sign == PARSING || sign == SAVING;
    if !in_flight && sign != BACKOFF { return vec4(0.0); }
    let p = uv - 0.5;
    let line = clamp(0.5 - (abs(length(p) - 0.46 + width / 2.0) - width / 2.0) * pixels, 0.0, 1.0);
    if line <= 0.0 { return vec4(0.0); }
    let turn = fract(atan2(p.x, -p.y) / 6.2831853 + 1.0);
    let soft_edge = 0.5 / (2.89 * pixels);
    let median = f32(texel.z);
    let colour = view.colours[sign].rgb;
    if texel.z == 0u {
        let dash = step(0.5, fract(turn * 12.0));
        return vec4(colour, 1.0) * line * 0.22 * dash;
    }
    let age = since(texel);
    if sign == BACKOFF {
        let left = clamp(1.0 - age / median, 0.0, 1.0);
        let lit = smoothstep(-soft_edge, soft_edge, left - turn);
        return vec4(colour, 1.0) * line * mix(0.16, 0.95, lit);
    }
    let low = median * f32(texel.w & 0xffffu) / 1024.0;
    let high = median * f32(texel.w >> 16u) / 1024.0;
    let full = max(high, median);
    let lit = smoothstep(-soft_edge, soft_edge, age / full - turn);
    let band = select(0.16, 0.42, turn * full >= low);
    let tint = mix(colour, view.surfaces[LIGHT].rgb, select(0.0, 0.45, age > full));
    return vec4(tint, 1.0) * line * mix(band, 1.0, lit);
}

/// How often it was tried: a small number in the corner.
fn badge(texel: vec4<u32>, uv: vec2<f32>, pixels: f32, tint: vec3<f32>) -> vec4<f32> {
    let attempts = (texel.y >> 12u) & 63u;
    if attempts == 0u { return vec4(0.0); }
    let at = (uv - vec2(0.69, 0.03)) / 0.3;
    if any(at < vec2(-0.1)) || any(at > vec2(1.1)) { return vec4(0.0); }
    let disc = clamp(0.5 - (length(at - 0.5) - 0.55) * pixels * 0.3, 0.0, 1.0);
    let ground = vec4(view.surfaces[INK].rgb, 1.0) * disc;
    let digit = sprite(DIGITS + min(attempts, 10u), (at - 0.1) / 0.8, pixels * 0.24, tint);
    return over(digit, ground);
}

/// A frame round what is selected or under the pointer.
fn mark(texel: vec4<u32>, local: vec2<f32>, pixels: f32, paint: vec4<f32>) -> vec4<f32> {
    let q = abs(local - 0.5) - vec2(0.36);
    let edge = length(max(q, vec2(0.0))) - 0.1;
    let line = clamp(1.3 - abs(edge + 0.02) * pixels, 0.0, 1.0);
    let strength = select(0.5, 1.0, ((texel.y >> 18u) & SELECTED) != 0u);
    let framed = over(vec4(view.surfaces[MARK].rgb, 1.0) * line * strength, paint);
    return select(paint, framed, is_marked(texel));
}

fn tint_of(texel: vec4<u32>, sign: u32, age: f32, pixels: f32) -> vec3<f32> {
    let own = view.colours[colour_sign(texel, sign)].rgb;
    return mix(own, view.surfaces[LIGHT].rgb, flash(sign, age, pixels));
}

/// A creature with its ring and attempts.
fn draw_creature(texel: vec4<u32>, sign: u32, local: vec2<f32>, pixels: f32) -> vec4<f32> {
    let age = since(texel);
    let pose = gesture(texel, sign, age);
    let uv = (local - 0.5 - pose.xy) / pose.z + 0.5;
    let tint = tint_of(texel, sign, age, pixels);
    let span = select(0.8, 0.74, pixels < 34.0);
    // A trace is a dot.
    let layer = select((sign - 1u) * 4u + frame_of(texel, sign), GLYPHS, sign == TRACE);
    var paint = sprite(layer, (uv - 0.5) / span + 0.5, pixels * span, tint);
    paint = over(paint, ring(texel, sign, local, pixels, 0.055));
    paint = over(badge(texel, local, pixels, view.surfaces[LIGHT].rgb), paint);
    return mark(texel, local, pixels, paint * recede(sign, age) * shown(texel, sign));
}

/// A glyph, with a ring where that can be seen.
fn draw_glyph(texel: vec4<u32>, sign: u32, local: vec2<f32>, pixels: f32, ringed: bool) -> vec4<f32> {
    let age = since(texel);
    let uv = (local - 0.5) / swell(texel, sign, age) + 0.5;
    let tint = tint_of(texel, sign, age, pixels);
    var paint = sprite(GLYPHS + select(sign - 1u, 0u, sign == TRACE), (uv - 0.5) / 0.84 + 0.5, pixels * 0.84, tint);
    if ringed {
        paint = over(paint, ring(texel, sign, local, pixels, 0.07));
    }
    return mark(texel, local, pixels, paint * recede(sign, age) * shown(texel, sign));
}

/// A square; what is marked is full and has a frame, so that its state is seen.
fn draw_square(texel: vec4<u32>, sign: u32, local: vec2<f32>, pixels: f32) -> vec4<f32> {
    let age = since(texel);
    let tint = tint_of(texel, sign, age, pixels);
    let edge = select(0.4, 0.28, sign == QUEUED || sign == TRACE) * swell(texel, sign, age);
    let from_middle = max(abs(local.x - 0.5), abs(local.y - 0.5));
    let half = select(edge, 0.5, is_marked(texel));
    let cover = clamp(0.5 - (from_middle - half) * pixels, 0.0, 1.0);
    let strength = recede(sign, age) * shown(texel, sign) * arrival(sign, age);
    let is_frame = is_marked(texel) && from_middle > 0.5 - max(1.0 / pixels, 0.12);
    return select(vec4(tint, 1.0) * cover * strength, vec4(view.surfaces[MARK].rgb, 1.0), is_frame);
}
