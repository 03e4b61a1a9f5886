// Writes the texels of changed tasks into the state texture: one point per change.

struct Target { columns: u32, rows: u32, spare0: u32, spare1: u32 }
@group(0) @binding(0) var<uniform> grid: Target;

struct Spot {
    @builtin(position) clip: vec4<f32>,
    @location(0) @interpolate(flat) texel: vec4<u32>,
}

@vertex
fn place(@location(0) texel: vec4<u32>, @location(1) address: u32) -> Spot {
    let column = f32(address % grid.columns) + 0.5;
    let row = f32(address / grid.columns) + 0.5;
    var spot: Spot;
    spot.clip = vec4(
        column / f32(grid.columns) * 2.0 - 1.0,
        1.0 - row / f32(grid.rows) * 2.0,
        0.0,
        1.0,
    );
    spot.texel = texel;
    return spot;
}

@fragment
fn write(spot: Spot) -> @location(0) vec4<u32> {
    return spot.texel;
}
