using System.Buffers.Binary;
using System.Text.Json;

namespace Pipeline.Host.Tests;

/// <summary>Changes a value in a model's file, byte for byte, without the program's own reader and writer.</summary>
internal static class SafetensorsEdit
{
    public static void Set(string folder, string tensor, int index, float value)
    {
        string path = Path.Combine(folder, "model.safetensors");
        byte[] file = File.ReadAllBytes(path);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using JsonDocument json = JsonDocument.Parse(file.AsMemory(8, header));
        JsonElement entry = json.RootElement.GetProperty(tensor);
        Assert.Equal("F32", entry.GetProperty("dtype").GetString());
        int at = 8 + header + entry.GetProperty("data_offsets")[0].GetInt32() + (4 * index);
        BinaryPrimitives.WriteSingleLittleEndian(file.AsSpan(at), value);
        File.WriteAllBytes(path, file);
    }
}
