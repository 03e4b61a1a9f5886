// Draws the field: one quad per block; each pixel finds its cell, reads that task's texel and
// draws it from the time since its last move. Nothing here knows how many tasks there are.

struct View {
    size: vec2<f32>,
    zoom: f32,
    hurry: f32,
    pan: vec2<f32>,
    corner: vec2<f32>,
    now: u32,
    motion: u32,
    signs: u32,
    stages: u32,
    colours: array<vec4<f32>, 16>,
    surfaces: array<vec4<f32>, 8>,
}
@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var states: texture_2d<u32>;
@group(0) @binding(2) var sprites: texture_2d_array<f32>;
@group(0) @binding(3) var soft: sampler;

const PANEL = 0u;
const HEADER = 1u;
const LINE = 2u;
const INK = 3u;
const LIGHT = 4u;

const EMPTY = 0u;
const QUEUED = 1u;
const FETCHING = 2u;
const PARSING = 4u;
const SAVING = 6u;
const DONE = 7u;
const BACKOFF = 8u;
const FAILED = 9u;
const DEAD = 10u;
const PARKED = 13u;
const PAUSED = 14u;

const SELECTED = 1u;
const HOVERED = 2u;
const DIMMED = 4u;

const OPEN = 1u;
const HALF_OPEN = 2u;
const HELD = 4u;
const FADED = 8u;

const GLYPHS = 56u;
const DIGITS = 70u;

struct Block {
    @location(0) rect: vec4<f32>,
    @location(1) grid: vec4<f32>,
    @location(2) cells: vec4<u32>,
    @location(3) shares: vec4<f32>,
}

struct Spot {
    @builtin(position) clip: vec4<f32>,
    @location(0) world: vec2<f32>,
    @location(1) @interpolate(flat) rect: vec4<f32>,
    @location(2) @interpolate(flat) grid: vec4<f32>,
    @location(3) @interpolate(flat) cells: vec4<u32>,
    @location(4) @interpolate(flat) shares: vec4<f32>,
}

fn to_clip(world: vec2<f32>) -> vec4<f32> {
    let screen = (world - view.pan) * view.zoom + view.corner;
    return vec4(screen.x / view.size.x * 2.0 - 1.0, 1.0 - screen.y / view.size.y * 2.0, 0.0, 1.0);
}

@vertex
fn place_block(@builtin(vertex_index) corner: u32, block: Block) -> Spot {
    let at = vec2(f32(corner & 1u), f32(corner >> 1u));
    var spot: Spot;
    spot.world = mix(block.rect.xy, block.rect.zw, at);
    spot.clip = to_clip(spot.world);
    spot.rect = block.rect;
    spot.grid = block.grid;
    spot.cells = block.cells;
    spot.shares = block.shares;
    return spot;
}

fn texel_at(address: u32) -> vec4<u32> {
    let columns = textureDimensions(states).x;
    return textureLoad(states, vec2(address % columns, address / columns), 0);
}

/// The sign shown: a queued task of a walled-off host is parked, of a held session paused.
fn sign_of(texel: vec4<u32>, flags: u32) -> u32 {
    let sign = texel.y & 15u;
    if sign == QUEUED {
        if (flags & OPEN) != 0u { return PARKED; }
        if (flags & HELD) != 0u { return PAUSED; }
    }
    return sign;
}

/// How much a sign matters when several tasks share a pixel.
fn severity(sign: u32) -> u32 {
    switch sign {
        case DEAD: { return 9u; }
        case FAILED: { return 8u; }
        case BACKOFF: { return 7u; }
        case FETCHING, 3u, PARSING, 5u, SAVING: { return 6u; }
        case PARKED: { return 5u; }
        case PAUSED: { return 4u; }
        case DONE: { return 3u; }
        case 11u, 12u: { return 2u; }
        case QUEUED: { return 1u; }
        default: { return 0u; }
    }
}

fn shown(texel: vec4<u32>, sign: u32) -> f32 {
    let stage = (texel.y >> 8u) & 15u;
    let flags = (texel.y >> 18u) & 63u;
    let listed = ((view.signs >> sign) & 1u) != 0u && ((view.stages >> stage) & 1u) != 0u;
    return select(0.1, 1.0, listed && (flags & DIMMED) == 0u);
}

fn since(texel: vec4<u32>) -> f32 {
    return max(f32(bitcast<i32>(view.now - texel.x)), 0.0);
}

/// Brightness of a done task: a pop, then it recedes.
fn recede(sign: u32, age: f32) -> f32 {
    if sign != DONE { return 1.0; }
    // On a light ground the same share of colour is fainter.
    let rest = select(0.35, 0.5, view.surfaces[PANEL].g > 0.5);
    return mix(1.0, rest, smoothstep(250.0, 1800.0, age * view.hurry));
}

fn flash(sign: u32, age: f32) -> f32 {
    if view.motion < 2u { return 0.0; }
    let quick = age * view.hurry;
    if sign == DONE { return 0.75 * (1.0 - smoothstep(0.0, 260.0, quick)); }
    if sign == FAILED || sign == DEAD { return 0.6 * (1.0 - smoothstep(0.0, 400.0, quick)); }
    return 0.0;
}

fn plain(texel: vec4<u32>, sign: u32) -> vec3<f32> {
    let age = since(texel);
    let colour = mix(view.colours[sign].rgb, view.surfaces[LIGHT].rgb, flash(sign, age));
    return mix(view.surfaces[PANEL].rgb, colour, recede(sign, age) * shown(texel, sign));
}

/// Scale and offset of a task's drawing: birth, pop, shake, breath.
fn gesture(texel: vec4<u32>, sign: u32, age: f32) -> vec3<f32> {
    if view.motion < 2u { return vec3(0.0, 0.0, 1.0); }
    let quick = age * view.hurry;
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
    if length == 0u || view.motion < 2u { return 0u; }
    if sign == DONE { return min(u32(since(texel)) / length, 3u); }
    return ((view.now + ((texel.y >> 24u) & 255u) * 37u) / length) % 4u;
}

/// A sprite of the sheet at `uv`, mixed with the theme; premultiplied.
fn sprite(layer: u32, uv: vec2<f32>, pixels: f32, tint: vec3<f32>) -> vec4<f32> {
    if any(uv < vec2(0.0)) || any(uv > vec2(1.0)) { return vec4(0.0); }
    let level = max(log2(128.0 / max(pixels, 1.0)), 0.0);
    let s = textureSampleLevel(sprites, soft, uv, layer, level);
    let mixed = s.r * tint + s.g * view.surfaces[INK].rgb + s.b * view.surfaces[LIGHT].rgb;
    return vec4(mixed, s.a);
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
    let at = (uv - vec2(0.68, 0.66)) / 0.3;
    if any(at < vec2(-0.1)) || any(at > vec2(1.1)) { return vec4(0.0); }
    let disc = clamp(0.5 - (length(at - 0.5) - 0.55) * pixels * 0.3, 0.0, 1.0);
    let ground = vec4(view.surfaces[INK].rgb, 1.0) * disc;
    let digit = sprite(DIGITS + min(attempts, 10u), (at - 0.1) / 0.8, pixels * 0.24, tint);
    return over(digit, ground);
}

/// A task in its cell, premultiplied: creature, glyph or square by the pixels at hand.
fn draw_task(texel: vec4<u32>, sign: u32, local: vec2<f32>, pixels: f32) -> vec4<f32> {
    let age = since(texel);
    let pose = gesture(texel, sign, age);
    let uv = (local - 0.5 - pose.xy) / pose.z + 0.5;
    let tint = mix(view.colours[sign].rgb, view.surfaces[LIGHT].rgb, flash(sign, age));
    var paint = vec4(0.0);
    if pixels >= 30.0 {
        let span = select(0.8, 0.74, pixels < 34.0);
        let layer = (sign - 1u) * 4u + frame_of(texel, sign);
        paint = sprite(layer, (uv - 0.5) / span + 0.5, pixels * span, tint);
        if view.motion == 0u || sign != DONE {
            paint = over(paint, ring(texel, sign, local, pixels, 0.055));
        }
        paint = over(badge(texel, local, pixels, view.surfaces[LIGHT].rgb), paint);
    } else if pixels >= 8.0 {
        paint = sprite(GLYPHS + sign - 1u, (uv - 0.5) / 0.8 + 0.5, pixels * 0.8, tint);
        if pixels >= 14.0 {
            paint = over(paint, ring(texel, sign, local, pixels, 0.07));
        }
    } else {
        let half = select(0.4, 0.26, sign == QUEUED) * pose.z;
        let d = max(abs(uv.x - 0.5), abs(uv.y - 0.5)) - half;
        paint = vec4(tint, 1.0) * clamp(0.5 - d * pixels, 0.0, 1.0);
    }
    paint *= recede(sign, age) * shown(texel, sign);
    let flags = (texel.y >> 18u) & 63u;
    if (flags & (SELECTED | HOVERED)) != 0u {
        let q = abs(local - 0.5) - vec2(0.36);
        let edge = length(max(q, vec2(0.0))) - 0.1;
        let line = clamp(1.3 - abs(edge + 0.02) * pixels, 0.0, 1.0);
        let strength = select(0.5, 1.0, (flags & SELECTED) != 0u);
        paint = over(vec4(view.surfaces[5].rgb, 1.0) * line * strength, paint);
    }
    return paint;
}

/// The block's ground where no task is: header, walls, the heap's bar at the foot.
fn draw_ground(spot: Spot, edge: f32) -> vec3<f32> {
    let flags = spot.cells.w;
    let header = spot.rect.y + spot.grid.w;
    var ground = select(view.surfaces[PANEL].rgb, view.surfaces[HEADER].rgb, spot.world.y < header);
    let inside = -edge;
    let foot = (spot.rect.w - spot.world.y) * view.zoom;
    if foot < 5.0 && spot.shares.x + spot.shares.y + spot.shares.z + spot.shares.w > 0.0 {
        let along = (spot.world.x - spot.rect.x) / (spot.rect.z - spot.rect.x);
        let s = spot.shares;
        var bar = view.colours[QUEUED].rgb * 0.6;
        if along < s.x { bar = view.colours[DONE].rgb * 0.8; }
        else if along < s.x + s.y { bar = view.colours[DEAD].rgb; }
        else if along < s.x + s.y + s.z { bar = view.colours[FETCHING].rgb * 0.9; }
        ground = bar;
    }
    if (flags & (OPEN | HALF_OPEN)) != 0u && inside < 6.0 {
        let screen = spot.world * view.zoom;
        let hatch = step(0.5, fract((screen.x + screen.y) / 12.0));
        let gap = (flags & HALF_OPEN) != 0u && fract(screen.x / 48.0) > 0.6;
        ground = mix(view.surfaces[PANEL].rgb, view.colours[PARKED].rgb, select(hatch, 0.0, gap));
    } else if inside < 1.0 {
        ground = view.surfaces[LINE].rgb;
    }
    return ground;
}

@fragment
fn draw_block(spot: Spot) -> @location(0) vec4<f32> {
    let center = (spot.rect.xy + spot.rect.zw) / 2.0;
    let half = (spot.rect.zw - spot.rect.xy) / 2.0;
    let radius = min(6.0 / view.zoom, min(half.x, half.y));
    let q = abs(spot.world - center) - half + radius;
    let edge = (length(max(q, vec2(0.0))) + min(max(q.x, q.y), 0.0) - radius) * view.zoom;
    let cover = clamp(0.5 - edge, 0.0, 1.0);
    var colour = draw_ground(spot, edge);

    let pixels = spot.grid.z * view.zoom;
    let at = (spot.world - spot.grid.xy) / spot.grid.z;
    let columns = spot.cells.z;
    if all(at >= vec2(0.0)) && at.x < f32(columns) {
        let cell = vec2<u32>(floor(at));
        let number = cell.y * columns + cell.x;
        if number < spot.cells.y {
            let faded = select(1.0, 0.55, (spot.cells.w & FADED) != 0u);
            if pixels >= 3.0 {
                let texel = texel_at(spot.cells.x + number);
                let sign = sign_of(texel, spot.cells.w);
                if sign != EMPTY {
                    let paint = draw_task(texel, sign, fract(at), pixels) * faded;
                    colour = paint.rgb + colour * (1.0 - paint.a);
                }
            } else {
                let reach = clamp(u32(ceil(0.99 / pixels)), 1u, 4u);
                var worst = vec4<u32>(0u);
                var worst_sign = EMPTY;
                for (var row = 0u; row < reach; row++) {
                    for (var step = 0u; step < reach; step++) {
                        let other = number + row * columns + step;
                        if other < spot.cells.y && cell.x + step < columns {
                            let texel = texel_at(spot.cells.x + other);
                            let sign = sign_of(texel, spot.cells.w);
                            if severity(sign) > severity(worst_sign) {
                                worst = texel;
                                worst_sign = sign;
                            }
                        }
                    }
                }
                if worst_sign != EMPTY {
                    colour = mix(colour, plain(worst, worst_sign), faded);
                }
            }
        }
    }
    return vec4(colour, 1.0) * cover;
}

struct Flight {
    @location(0) path: vec4<f32>,
    @location(1) spans: vec4<f32>,
    @location(2) texel: vec4<u32>,
    @location(3) times: vec2<u32>,
}

struct Flier {
    @builtin(position) clip: vec4<f32>,
    @location(0) local: vec2<f32>,
    @location(1) @interpolate(flat) texel: vec4<u32>,
    @location(2) @interpolate(flat) pixels: f32,
    @location(3) @interpolate(flat) strength: f32,
}

@vertex
fn place_flight(@builtin(vertex_index) corner: u32, flight: Flight) -> Flier {
    let way = clamp(f32(bitcast<i32>(view.now - flight.times.x)) / f32(max(flight.times.y, 1u)), 0.0, 1.0);
    let eased = way * way * (3.0 - 2.0 * way);
    let span = mix(flight.spans.x, flight.spans.y, eased) * (1.0 + 0.35 * sin(way * 3.1415927));
    let lift = -flight.spans.z * sin(way * 3.1415927);
    let center = mix(flight.path.xy, flight.path.zw, eased) + vec2(0.0, lift);
    let at = vec2(f32(corner & 1u), f32(corner >> 1u));
    var flier: Flier;
    flier.clip = to_clip(center + (at - 0.5) * span);
    flier.local = at;
    flier.texel = flight.texel;
    flier.pixels = span * view.zoom;
    flier.strength = select(1.0, 0.0, way >= 1.0 || way <= 0.0);
    return flier;
}

@fragment
fn draw_flight(flier: Flier) -> @location(0) vec4<f32> {
    let sign = flier.texel.y & 15u;
    if flier.strength <= 0.0 || sign == EMPTY { discard; }
    return draw_task(flier.texel, sign, flier.local, flier.pixels);
}
