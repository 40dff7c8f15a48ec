namespace Pipeline.Stages.Gguf;

/// <summary>The types of tensors that can be written and read here. The values are ggml's numbers.</summary>
public enum GgufType : uint
{
    F32 = 0,
    F16 = 1,

    /// <summary>Blocks of 32 elements: a float16 scale, then 32 signed bytes.</summary>
    Q8_0 = 8,

    BF16 = 30,
}
