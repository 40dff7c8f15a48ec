using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>The architecture and the sizes of a hypernetwork.</summary>
internal sealed record NetworkOptions
{
    [Description("residual (a correction to the pieces' own embeddings, arXiv 2503.20083) or zett (embeddings from scratch, arXiv 2405.07883).")]
    public NetworkArchitecture Architecture { get; init; } = NetworkArchitecture.Residual;

    [Description("Width inside the network. Absent: the model's, but at least 128.")]
    [Range(1, 1 << 16)]
    public int? HiddenSize { get; init; }

    [Description("Transformer layers.")]
    [Range(1, 64)]
    public int Layers { get; init; } = 3;

    [Description("Attention heads; their number must divide hiddenSize.")]
    [Range(1, 1024)]
    public int Heads { get; init; } = 4;

    [Description("Width of the inner layer as a multiple of hiddenSize.")]
    [Range(1, 64)]
    public int Expansion { get; init; } = 2;

    [Description("How many source pieces of one token are read; further ones are cut off and counted.")]
    [Range(1, 64)]
    public int MaxPieces { get; init; } = 8;

    [Description("For residual: what the correction is added to: mean (of the pieces' embeddings, so training begins at fvt), first (the first piece's), or none.")]
    public FormPooling Residual { get; init; } = FormPooling.Mean;

    [Description("For residual: which states become the prediction: first (that of the first piece) or mean.")]
    public FormPooling Pooling { get; init; } = FormPooling.First;

    [Description("For residual: the scale of the correction is this divided by sqrt(width), in units of rescaled embeddings. Absent: sqrt(2), one standard deviation of each channel.")]
    [Range(1e-6, 1e6)]
    public double? Alpha { get; init; }

    [Description("For residual: attention between the pieces; without it, every piece is read by itself.")]
    public bool Attention { get; init; } = true;

    [Description("For residual: epsilon of the layer norms.")]
    [Range(1e-16, 1.0)]
    public double Epsilon { get; init; } = 1e-12;
}

internal enum NetworkArchitecture
{
    Residual,
    Zett,
}

/// <summary>How the pieces of a form become one vector.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FormPooling>))]
internal enum FormPooling
{
    First,
    Mean,
    None,
}
