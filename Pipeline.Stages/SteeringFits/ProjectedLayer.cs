using System.Globalization;

namespace Pipeline.Stages.SteeringFits;

/// <summary>What a projection of one layer is.</summary>
/// <param name="Layer">Which.</param>
/// <param name="KeepRank">k⁺, after ties.</param>
/// <param name="DropRank">k⁻, after ties.</param>
/// <param name="KeepShare">Share of Σ s² that the k⁺ directions explain.</param>
/// <param name="DropShare">The same of the negative side.</param>
/// <param name="KeepGap">(s_k − s_{k+1}) / s_1 after the cut; near 0 the cut is a matter of chance.</param>
/// <param name="DropGap">The same of the negative side.</param>
/// <param name="Strength">Mean of ‖hP − h‖ / ‖h‖ over the sample of base activations, before their length is given back.</param>
/// <param name="Angle">The largest principal angle between the kept and the dropped subspace, in radians.</param>
/// <param name="Signature">The reference's measure of how far the classes stand apart; it grows with depth.</param>
/// <param name="Contrast">The same without the means' length.</param>
internal sealed record ProjectedLayer(
    int Layer, int KeepRank, int DropRank, double KeepShare, double DropShare, double KeepGap, double DropGap, double Strength, double Angle, double Signature, double Contrast)
{
    /// <summary>Below this strength an edit is next to nothing.</summary>
    public const double Idle = 1e-3;

    public static string Header => "layer  ranks kept/dropped  share kept/dropped  strength  angle  signature  contrast";

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Layer,5}  {KeepRank}/{DropRank}  {KeepShare:g7}/{DropShare:g7}  {Strength:g3}  {Angle:g3}  {Signature:g4}  {Contrast:g3}");
}
