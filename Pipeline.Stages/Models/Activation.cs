using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>The activation function of the gate in a layer's feed-forward part.</summary>
public enum Activation
{
    Silu,

    /// <summary>GELU in its exact form, with the error function.</summary>
    Gelu,

    /// <summary>GELU in its tanh approximation.</summary>
    GeluTanh,
}

internal static class Activations
{
    /// <summary>The activation that a config names; null if it is not supported.</summary>
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
