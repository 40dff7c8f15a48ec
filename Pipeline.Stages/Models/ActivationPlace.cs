namespace Pipeline.Stages.Models;

/// <summary>A place of a decoder where activations can be read and changed.</summary>
public enum ActivationPlace
{
    /// <summary>The residual stream after a layer; after the last one, before the final norm.</summary>
    Residual,

    /// <summary>The output of a layer's MLP, before any norm of it and before it is added to the residual stream.</summary>
    Mlp,
}
