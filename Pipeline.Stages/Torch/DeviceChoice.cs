namespace Pipeline.Stages.Torch;

/// <summary>Where torch computes. <see cref="Auto"/> takes the first CUDA device when the loaded libtorch sees one.</summary>
public enum DeviceChoice
{
    Auto,
    Cpu,
    Cuda,
}
