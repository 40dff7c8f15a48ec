using System.Globalization;

namespace Pipeline.Stages.SteeringFits;

/// <summary>The figures of one layer's projection.</summary>
/// <param name="Layer">The number of the layer.</param>
/// <param name="KeepRank">k⁺, including tied directions.</param>
/// <param name="DropRank">k⁻, including tied directions.</param>
/// <param name="KeepShare">The share of Σ s² that the k⁺ directions explain.</param>
/// <param name="DropShare">The share of Σ s² that the k⁻ directions explain.</param>
/// <param name="KeepGap">
/// (s_k − s_{k+1}) / s_1 after the cut of the positive side. Where it is near 0, it is a matter of chance which directions are cut.
/// </param>
/// <param name="DropGap">The same for the negative side.</param>
/// <param name="Strength">The mean of ‖hP − h‖ / ‖h‖ over the sampled base activations, before lengths are restored.</param>
/// <param name="Angle">The largest principal angle between the kept and the dropped subspace, in radians.</param>
/// <param name="Signature">See <see cref="Steering.LayerSignature"/>. It grows with depth.</param>
/// <param name="Contrast">See <see cref="Steering.LayerSignature"/>.</param>
internal sealed record ProjectedLayer(
    int Layer, int KeepRank, int DropRank, double KeepShare, double DropShare, double KeepGap, double DropGap, double Strength, double Angle, double Signature, double Contrast)
{
    /// <summary>Below this strength, an edit does next to nothing.</summary>
    public const double Idle = 1e-3;

    public static string Header => "layer  ranks kept/dropped  share kept/dropped  strength  angle  signature  contrast";

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Layer,5}  {KeepRank}/{DropRank}  {KeepShare:g7}/{DropShare:g7}  {Strength:g3}  {Angle:g3}  {Signature:g4}  {Contrast:g3}");
}
