using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>The gate's activation in the feed-forward part.</summary>
public enum Activation
{
    Silu,

    /// <summary>The exact form, by the error function.</summary>
    Gelu,

    /// <summary>The tanh approximation.</summary>
    GeluTanh,
}

internal static class Activations
{
    public static Activation? Parse(string name) => name switch
    {
        "silu" or "swish" => Activation.Silu,
        "gelu" => Activation.Gelu,
        "gelu_pytorch_tanh" or "gelu_new" or "gelu_fast" => Activation.GeluTanh,
        _ => null,
    };

    public static Tensor Apply(Activation activation, Tensor x) => activation switch
    {
        Activation.Silu => nn.functional.silu(x),
        Activation.Gelu => nn.functional.gelu(x),
        _ => nn.functional.gelu(x, GELU.Approximate.tanh),
    };
}
