using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>Which hypernetwork, and how large.</summary>
internal sealed record NetworkOptions
{
    [Description("residual (a correction to the pieces' own embeddings: arXiv 2503.20083) or zett (embeddings from nothing: arXiv 2405.07883).")]
    public NetworkArchitecture Architecture { get; init; } = NetworkArchitecture.Residual;

    [Description("Width inside the network; absent: the model's, at least 128.")]
    [Range(1, 1 << 16)]
    public int? HiddenSize { get; init; }

    [Description("Transformer layers.")]
    [Range(1, 64)]
    public int Layers { get; init; } = 3;

    [Description("Attention heads; they divide hiddenSize.")]
    [Range(1, 1024)]
    public int Heads { get; init; } = 4;

    [Description("Width of the inner layer as a multiple of hiddenSize.")]
    [Range(1, 64)]
    public int Expansion { get; init; } = 2;

    [Description("Source pieces of one token that are looked at; further ones are cut off and counted.")]
    [Range(1, 64)]
    public int MaxPieces { get; init; } = 8;

    [Description("Of residual: what the correction is added to: mean (of the pieces' embeddings, so training begins at fvt), first (the first piece's), or none.")]
    public FormPooling Residual { get; init; } = FormPooling.Mean;

    [Description("Of residual: which states become the prediction: first (that of the first piece) or mean.")]
    public FormPooling Pooling { get; init; } = FormPooling.First;

    [Description("Of residual: the correction is this over sqrt(width), in units of rescaled embeddings; absent: sqrt(2), one standard deviation of each channel.")]
    [Range(1e-6, 1e6)]
    public double? Alpha { get; init; }

    [Description("Of residual: attention between the pieces; without it every piece is seen alone.")]
    public bool Attention { get; init; } = true;

    [Description("Of residual: epsilon of the layer norms.")]
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
